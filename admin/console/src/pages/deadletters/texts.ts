import {defineTexts} from '@/i18n';

export const texts = defineTexts('deadletters', {
    en: {title: 'Dead letters'},
    de: {title: 'Abgewiesene'},
});
