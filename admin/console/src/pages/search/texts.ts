import {defineTexts} from '@/i18n';

export const texts = defineTexts('search', {
    en: {title: 'Search'},
    de: {title: 'Suche'},
});
