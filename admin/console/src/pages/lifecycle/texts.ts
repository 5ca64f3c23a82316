import {defineTexts} from '@/i18n';

export const texts = defineTexts('lifecycle', {
    en: {title: 'Lifecycle'},
    de: {title: 'Lebenslauf'},
});
