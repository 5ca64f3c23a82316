import {defineTexts} from '@/i18n';

export const texts = defineTexts('silences', {
    en: {title: 'Silences and maintenance'},
    de: {title: 'Stummschaltungen und Wartung'},
});
