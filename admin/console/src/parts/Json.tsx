import {ActionIcon, CopyButton, Tooltip} from '@mantine/core';
import {IconCheck, IconCopy} from '@tabler/icons-react';
import {useTexts} from '@/i18n';
import css from './Json.module.css';
import {texts} from './texts';

const sign = /("(?:\\.|[^"\\])*")(\s*:)?|\b(true|false|null)\b|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)/g;

/// Text as it is, with the parts of JSON in colours.
function coloured(text: string) {
    const out: React.ReactNode[] = [];
    let from = 0;
    for (const match of text.matchAll(sign)) {
        if (match.index > from) out.push(text.slice(from, match.index));
        const kind = match[1] ? (match[2] ? 'name' : 'text') : match[3] ? 'word' : 'number';
        out.push(<span key={match.index} data-kind={kind}>{match[1] ?? match[0]}</span>);
        if (match[2]) out.push(match[2]);
        from = match.index + match[0].length;
    }
    out.push(text.slice(from));
    return out;
}

export function Json({value, label}: {value: unknown; label: string}) {
    const t = useTexts(texts);
    const text = typeof value === 'string' ? value : JSON.stringify(value, null, 2);
    return (
        <div className={css.json}>
            <CopyButton value={text}>
                {({copied, copy}) => (
                    <Tooltip label={copied ? t('copied') : t('copy')}>
                        <ActionIcon className={css.copy} onClick={copy} aria-label={t('copy')}>
                            {copied ? <IconCheck size={15} /> : <IconCopy size={15} />}
                        </ActionIcon>
                    </Tooltip>
                )}
            </CopyButton>
            <pre tabIndex={0} aria-label={label}>{coloured(text)}</pre>
        </div>
    );
}
