import {defineTexts} from '@/i18n';

export const texts = defineTexts('tenants', {
    en: {title: 'Tenants and keys'},
    de: {title: 'Mandanten und Schlüssel'},
});
