const accents: Record<string, string> = {
    a: 'á', e: 'é', i: 'í', o: 'ó', u: 'ú', A: 'Á', E: 'É', I: 'Í', O: 'Ó', U: 'Ú', n: 'ñ', c: 'ç', y: 'ý', S: 'Š',
};

/// A third longer, as German is, with accents, in brackets; figures and what was filled in stay readable.
export function pseudo(text: string): string {
    const body = text.replace(/[aeiouAEIOUncyS]/g, (letter) => accents[letter] ?? letter);
    return `[${body}${'~'.repeat(Math.ceil(text.length / 3))}]`;
}
