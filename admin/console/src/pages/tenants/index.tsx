import {useTexts} from '@/i18n';
import {Page} from '@/parts/Page';
import {ApiKeys} from './ApiKeys';
import {Tenants} from './Tenants';
import {texts} from './texts';

export default function TenantsPage() {
    const t = useTexts(texts);
    return (
        <Page title={t('title')}>
            <Tenants />
            <ApiKeys />
        </Page>
    );
}
