import {Button} from '@mantine/core';
import {IconMapPinOff} from '@tabler/icons-react';
import {Link} from 'wouter';
import {useTexts} from '@/i18n';
import {Page} from '@/parts/Page';
import {Empty} from '@/parts/States';
import {texts} from './texts';

export function Missing() {
    const t = useTexts(texts);
    return (
        <Page title={t('missing')}>
            <Empty title={t('missing')} icon={<IconMapPinOff size={28} stroke={1.4} />} action={<Button component={Link} href="/">{t('to_overview')}</Button>}>
                {t('missing_more')}
            </Empty>
        </Page>
    );
}
