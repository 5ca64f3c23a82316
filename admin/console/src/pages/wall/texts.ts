import {defineTexts} from '@/i18n';

export const texts = defineTexts('wall', {
    en: {title: 'Wallboard'},
    de: {title: 'Wandtafel'},
});
