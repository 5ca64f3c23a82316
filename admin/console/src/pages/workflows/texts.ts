import {defineTexts} from '@/i18n';

export const texts = defineTexts('workflows', {
    en: {title: 'Workflows'},
    de: {title: 'Abläufe'},
});
