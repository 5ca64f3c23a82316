import {defineTexts} from '@/i18n';

export const texts = defineTexts('overview', {
    en: {title: 'Overview'},
    de: {title: 'Überblick'},
});
