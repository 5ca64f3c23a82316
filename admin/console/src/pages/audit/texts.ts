import {defineTexts} from '@/i18n';

export const texts = defineTexts('audit', {
    en: {title: 'Audit'},
    de: {title: 'Protokoll'},
});
