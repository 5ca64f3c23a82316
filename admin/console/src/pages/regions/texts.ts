import {defineTexts} from '@/i18n';

export const texts = defineTexts('regions', {
    en: {title: 'Regions'},
    de: {title: 'Regionen'},
});
