import {useTexts} from '@/i18n';
import {Page} from '@/parts/Page';
import {Sessions} from './Sessions';
import {texts} from './texts';
import {Users} from './Users';

export default function PeoplePage() {
    const t = useTexts(texts);
    return (
        <Page title={t('title')}>
            <Users />
            <Sessions />
        </Page>
    );
}
