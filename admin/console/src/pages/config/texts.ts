import {defineTexts} from '@/i18n';

export const texts = defineTexts('config', {
    en: {
        title: 'Configuration',
        note: 'What the appliance runs with, and where each value comes from. It is changed in the file, and taken at the next start.',
        find: 'Key or value',
        changed: 'Only what is not the default',
        key: 'Key',
        value: 'Value',
        origin: 'From',
        default: 'default',
        none: 'No key is called so',
    },
    de: {
        title: 'Konfiguration',
        note: 'Womit die Appliance läuft, und woher jeder Wert kommt. Geändert wird in der Datei; beim nächsten Start gilt es.',
        find: 'Schlüssel oder Wert',
        changed: 'Nur was nicht voreingestellt ist',
        key: 'Schlüssel',
        value: 'Wert',
        origin: 'Woher',
        default: 'Voreinstellung',
        none: 'Kein Schlüssel heißt so',
    },
});
