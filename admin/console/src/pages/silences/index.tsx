import {useTexts} from '@/i18n';
import {Page} from '@/parts/Page';
import {texts} from './texts';

export default function SilencesPage() {
    const t = useTexts(texts);
    return <Page title={t('title')}>{null}</Page>;
}
