// Texts: each part keeps its own, in English and German, beside its code. A key that one language lacks does not
// compile; a test looks for keys that are used and defined nowhere.
import {createInstance, type PostProcessorModule} from 'i18next';
import {useMemo} from 'react';
import {initReactI18next, useTranslation} from 'react-i18next';
import {pseudo} from './pseudo';

export const languages = ['en', 'de'] as const;
export type Language = (typeof languages)[number];
/// Not offered to people: every text is made longer and marked, so that one that is not translated is seen.
export const pseudoLanguage = 'en-XA';

const pseudoProcessor: PostProcessorModule = {
    type: 'postProcessor',
    name: 'pseudo',
    process: (value, _key, _options, translator) => (translator.language === pseudoLanguage ? pseudo(value) : value),
};

export const i18n = createInstance();
void i18n
    .use(initReactI18next)
    .use(pseudoProcessor)
    .init({
        lng: 'en',
        fallbackLng: 'en',
        postProcess: ['pseudo'],
        interpolation: {escapeValue: false},
        resources: {},
        initAsync: false,
        react: {useSuspense: false},
    });

type Table = Record<string, string>;
type WithoutPlural<K> = K extends `${infer Base}_one` | `${infer Base}_other` ? Base : K;
export type TextKey<T extends Table> = WithoutPlural<keyof T & string>;
export type TextValues = Record<string, string | number>;
export type Translate<T extends Table> = (key: TextKey<T>, values?: TextValues) => string;
export interface Texts<T extends Table> {
    readonly namespace: string;
    readonly en: T;
}

/// `count` in the values chooses between a key's `_one` and `_other`.
export function defineTexts<const T extends Table>(
    namespace: string,
    texts: {en: T; de: {[K in keyof T]: string}},
): Texts<T> {
    for (const language of languages) {
        // The number chooses the plural; what is shown of it has its language's separators.
        const shown = Object.fromEntries(Object.entries(texts[language]).map(([key, value]) => [key, value.replaceAll('{{count}}', '{{countShown}}')]));
        i18n.addResourceBundle(language, namespace, shown, true, true);
    }
    return {namespace, en: texts.en};
}

export function useTexts<T extends Table>(texts: Texts<T>): Translate<T> {
    const {t} = useTranslation(texts.namespace, {i18n});
    return useMemo(() => (key, values) => t(key, shownOf(values)), [t]);
}

function shownOf(values: TextValues | undefined): TextValues {
    const {count} = values ?? {};
    if (count === undefined) return values ?? {};
    return {...values, countShown: typeof count === 'number' ? new Intl.NumberFormat(locale()).format(count) : count};
}

/// Outside of components.
export function text<T extends Table>(texts: Texts<T>, key: TextKey<T>, values?: TextValues): string {
    return i18n.t(key, {ns: texts.namespace, ...shownOf(values)});
}

/// What Intl is to use.
export const locale = (): string => (i18n.language === pseudoLanguage ? 'en' : i18n.language);

export function setLanguage(language: string): void {
    document.documentElement.lang = language === pseudoLanguage ? 'en' : language;
    void i18n.changeLanguage(language);
}
