import {defineTexts} from '@/i18n';

export const texts = defineTexts('review', {
    en: {title: 'Review'},
    de: {title: 'Prüfung'},
});
