import {defineTexts} from '@/i18n';

export const texts = defineTexts('people', {
    en: {title: 'Users and sessions'},
    de: {title: 'Benutzer und Sitzungen'},
});
