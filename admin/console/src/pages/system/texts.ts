import {defineTexts} from '@/i18n';

export const texts = defineTexts('system', {
    en: {title: 'System'},
    de: {title: 'System'},
});
