import {defineTexts} from '@/i18n';

export const texts = defineTexts('alerts', {
    en: {title: 'Alerts'},
    de: {title: 'Alarme'},
});
