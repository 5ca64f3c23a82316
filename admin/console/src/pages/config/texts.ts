import {defineTexts} from '@/i18n';

export const texts = defineTexts('config', {
    en: {title: 'Configuration'},
    de: {title: 'Konfiguration'},
});
