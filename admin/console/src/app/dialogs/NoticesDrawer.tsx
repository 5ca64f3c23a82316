import {Button, Drawer} from '@mantine/core';
import {IconBell} from '@tabler/icons-react';
import {useEffect} from 'react';
import {Link} from 'wouter';
import {useTexts} from '@/i18n';
import {LevelIcon} from '@/parts/Badge';
import {Empty} from '@/parts/States';
import {Time} from '@/parts/Time';
import {clearNotices, markNoticesRead, useNotices} from '../notices';
import {texts} from '../texts';
import css from './Dialogs.module.css';

export default function NoticesDrawer({onClose}: {onClose: () => void}) {
    const t = useTexts(texts);
    const items = useNotices((n) => n.items);
    useEffect(() => markNoticesRead, []);
    return (
        <Drawer opened onClose={onClose} position="right" size="sm" title={t('notices')}>
            {items.length === 0 ? (
                <Empty title={t('no_notices')} icon={<IconBell size={28} stroke={1.4} />}>{t('no_notices_more')}</Empty>
            ) : (
                <>
                    <ul className={css.notices}>
                        {items.map((item) => (
                            <li key={item.id} data-unread={!item.read || undefined}>
                                <LevelIcon level={item.level} />
                                <div>
                                    {item.to ? <Link href={item.to} onClick={onClose}>{item.title}</Link> : <span>{item.title}</span>}
                                    {item.detail && <p>{item.detail}</p>}
                                </div>
                                <Time at={item.at} />
                            </li>
                        ))}
                    </ul>
                    <Button mt="md" onClick={clearNotices}>{t('clear_notices')}</Button>
                </>
            )}
        </Drawer>
    );
}
