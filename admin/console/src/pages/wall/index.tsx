// For a screen on the wall: large, dark, turning over by itself, and honest about what is not live.
import {ActionIcon, Tooltip} from '@mantine/core';
import {IconArrowsMaximize, IconDoorExit, IconPlayerPause, IconPlayerPlay} from '@tabler/icons-react';
import {useEffect, useState} from 'react';
import {useLocation} from 'wouter';
import {useLive} from '@/api/stream';
import {useAddress} from '@/app/address';
import {applianceNow, useNow} from '@/app/clock';
import {Mark} from '@/app/Mark';
import {useTexts} from '@/i18n';
import {clockTime} from '@/parts/format';
import {Loading} from '@/parts/States';
import {useZone} from '@/parts/Time';
import {Alerts, Health, Regions, Workflows} from './Boards';
import {texts} from './texts';
import css from './Wall.module.css';

const boards = ['health', 'alerts', 'workflows', 'regions'] as const;
type Board = (typeof boards)[number];
const turnMs = 15_000;
const names = ['board', 'hold'] as const;
const views: Record<Board, () => React.ReactNode> = {health: Health, alerts: Alerts, workflows: Workflows, regions: Regions};

function Clock() {
    const zone = useZone();
    useNow(1_000);
    return <time className={css.clock}>{clockTime(new Date(applianceNow()), zone, new Date(applianceNow()))}</time>;
}

function LinkNote() {
    const t = useTexts(texts);
    const zone = useZone();
    const link = useLive((live) => live.link);
    const heardAt = useLive((live) => live.heardAt);
    return link === 'live' || !heardAt
        ? <span className={css.link} data-live role="status"><i aria-hidden />{t('now')}</span>
        : <span className={css.link} role="status"><i aria-hidden />{t('stale', {time: clockTime(new Date(heardAt), zone, new Date())})}</span>;
}

export default function Wall() {
    const t = useTexts(texts);
    const [, go] = useLocation();
    const [address, setAddress] = useAddress(names);
    const [board, setBoard] = useState<Board>(boards.find((b) => b === address.board) ?? 'health');
    const hold = address.hold === '1';
    const status = useLive((live) => live.status);
    useEffect(() => {
        document.title = `${t('title')} · Penstock`;
        document.documentElement.dataset.wall = 'true';
        return () => void delete document.documentElement.dataset.wall;
    }, [t]);
    useEffect(() => {
        if (hold) return;
        const timer = setInterval(() => setBoard((now) => boards[(boards.indexOf(now) + 1) % boards.length]!), turnMs);
        return () => clearInterval(timer);
    }, [hold, board]);
    const View = views[board];
    return (
        <div className={css.wall}>
            <header className={css.head}>
                <Mark size={34} />
                <h1>{t(board)}</h1>
                <LinkNote />
                <Clock />
            </header>
            <div className={css.board} key={board}>{status ? <View /> : <Loading />}</div>
            <footer className={css.foot}>
                <nav aria-label={t('title')}>
                    {boards.map((name) => (
                        <button key={name} type="button" aria-current={name === board || undefined} onClick={() => { setBoard(name); setAddress({board: name}, true); }}>
                            {t(name)}
                            {name === board && !hold && <i key={board} className={css.progress} aria-hidden />}
                        </button>
                    ))}
                </nav>
                <Tooltip label={hold ? t('start') : t('stop')}>
                    <ActionIcon size="lg" aria-label={hold ? t('start') : t('stop')} onClick={() => setAddress({hold: hold ? '' : '1', board}, true)}>
                        {hold ? <IconPlayerPlay size={20} /> : <IconPlayerPause size={20} />}
                    </ActionIcon>
                </Tooltip>
                <Tooltip label={t('full')}>
                    <ActionIcon size="lg" aria-label={t('full')} onClick={() => void (document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen())}>
                        <IconArrowsMaximize size={20} />
                    </ActionIcon>
                </Tooltip>
                <Tooltip label={t('leave')}>
                    <ActionIcon size="lg" aria-label={t('leave')} onClick={() => go('/')}><IconDoorExit size={20} /></ActionIcon>
                </Tooltip>
            </footer>
        </div>
    );
}
