// The page's nonce, which styles made at run time carry; and the one policy by which text becomes markup.
const script = document.querySelector<HTMLScriptElement>('script[nonce]');
export const nonce = script?.nonce ?? '';

interface TrustedTypes {
    createPolicy(name: string, rules: {createHTML: (text: string) => string}): unknown;
}
/// Libraries fill <style> elements by innerHTML. Style sheets have no "<"; anything that has one is refused.
export function allowStylesOnly(): void {
    const types = (window as {trustedTypes?: TrustedTypes}).trustedTypes;
    types?.createPolicy('default', {
        createHTML(text) {
            if (text.includes('<')) throw new TypeError('markup from text is not allowed here');
            return text;
        },
    });
}
