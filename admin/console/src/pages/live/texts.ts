import {defineTexts} from '@/i18n';

export const texts = defineTexts('live', {
    en: {title: 'Live feed'},
    de: {title: 'Live'},
});
