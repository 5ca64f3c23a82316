import {defineTexts} from '@/i18n';

export const texts = defineTexts('map', {
    en: {title: 'Map'},
    de: {title: 'Karte'},
});
