// Go to a page, find a key, do what the page offers now: by its name.
import {Spotlight, spotlight, type SpotlightActionData, type SpotlightActionGroupData} from '@mantine/spotlight';
import '@mantine/spotlight/styles.css';
import {IconArrowRight, IconBolt, IconRoute, IconSearch} from '@tabler/icons-react';
import {useEffect, useState} from 'react';
import {useLocation} from 'wouter';
import {useTexts} from '@/i18n';
import {addressOf, pages} from '@/pages/registry';
import {texts as pageTexts} from '@/pages/texts';
import {reaches, useMe} from '../session';
import {allActions, keysOf, runAction, showKeys, useBound} from '../shortcuts';
import {texts} from '../texts';
import css from './Dialogs.module.css';

export default function Palette({onClose}: {onClose: () => void}) {
    const t = useTexts(texts);
    const names = useTexts(pageTexts);
    const me = useMe();
    const [, go] = useLocation();
    const [query, setQuery] = useState('');
    const bound = useBound((b) => b.ids);
    useEffect(() => spotlight.open(), []);

    const key = query.trim();
    const groups: SpotlightActionGroupData[] = [
        {
            group: t('palette_pages'),
            actions: pages
                .filter((p) => !p.hidden && reaches(me.role, p.role))
                .map((entry): SpotlightActionData => ({
                    id: entry.name,
                    label: names(entry.name),
                    leftSection: <entry.icon size={17} stroke={1.7} />,
                    rightSection: <kbd className={css.kbd}>{showKeys(keysOf(`go.${entry.name}`))}</kbd>,
                    onClick: () => go(addressOf(entry)),
                })),
        },
        {
            group: t('palette_actions'),
            actions: allActions()
                .filter((action) => bound.includes(action.id) && !action.id.startsWith('go.') && action.id !== 'app.palette')
                .map((action): SpotlightActionData => ({
                    id: action.id,
                    label: action.label(),
                    leftSection: <IconBolt size={17} stroke={1.7} />,
                    rightSection: <kbd className={css.kbd}>{showKeys(keysOf(action.id))}</kbd>,
                    onClick: () => setTimeout(() => runAction(action.id), 0),
                })),
        },
    ];
    if (key)
        groups.push({
            group: t('palette_find'),
            actions: [
                {id: 'find-lifecycle', label: t('find_lifecycle', {key}), keywords: [key], leftSection: <IconRoute size={17} stroke={1.7} />, onClick: () => go(`/console/lifecycle?key=${encodeURIComponent(key)}`)},
                {id: 'find-events', label: t('find_events', {key}), keywords: [key], leftSection: <IconSearch size={17} stroke={1.7} />, onClick: () => go(`/console/search?q=${encodeURIComponent(`key:${key}`)}`)},
            ],
        });
    return (
        <Spotlight
            actions={groups}
            shortcut={null}
            query={query}
            onQueryChange={setQuery}
            onSpotlightClose={onClose}
            nothingFound={t('palette_none')}
            highlightQuery
            scrollable
            maxHeight={420}
            searchProps={{leftSection: <IconArrowRight size={17} />, placeholder: t('find'), 'aria-label': t('palette')}}
        />
    );
}
