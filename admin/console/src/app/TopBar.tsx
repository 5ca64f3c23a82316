// Where one is told that all is live, what happened, and who one is.
import {ActionIcon, Indicator, Menu, Tooltip, UnstyledButton} from '@mantine/core';
import {IconBell, IconKeyboard, IconLogout, IconSearch, IconSettings, IconUser} from '@tabler/icons-react';
import {useQueryClient} from '@tanstack/react-query';
import {api, unwrap} from '@/api/client';
import {useLive} from '@/api/stream';
import {useTexts} from '@/i18n';
import {short} from '@/parts/format';
import {refused} from '@/parts/toast';
import {openDialog} from './Dialogs';
import {Mark} from './Mark';
import {useNotices} from './notices';
import {useMe} from './session';
import {showKeys, useKeysOf} from './shortcuts';
import {texts} from './texts';
import css from './TopBar.module.css';

function LinkState() {
    const t = useTexts(texts);
    const link = useLive((live) => live.link);
    const rate = useLive((live) => live.status?.events?.received_per_second);
    return (
        <span className={css.link} data-link={link} role="status">
            <i aria-hidden />
            <span>{t(link)}</span>
            {link === 'live' && <span className={css.rate}>{t('live_rate', {rate: short(rate)})}</span>}
        </span>
    );
}

export function TopBar() {
    const t = useTexts(texts);
    const me = useMe();
    const queries = useQueryClient();
    const unread = useNotices((n) => n.items.filter((item) => !item.read).length);
    const keys = useKeysOf('app.palette');
    const signOut = async () => {
        try {
            await unwrap(api.DELETE('/api/v1/session'));
            queries.clear();
            window.location.assign('/');
        } catch (error) {
            refused(error);
        }
    };
    const name = me.display_name || me.name;
    return (
        <header className={css.bar}>
            <span className={css.mark}><Mark size={22} /></span>
            <UnstyledButton className={css.find} onClick={() => openDialog('palette')}>
                <IconSearch size={15} aria-hidden />
                <span className={css.findText}>{t('find')}</span>
                <kbd>{showKeys(keys)}</kbd>
            </UnstyledButton>
            <LinkState />
            {/* Who speaks to the page says what is seen: the name has the figure in it. */}
            <Tooltip label={unread > 0 ? t('notices_unread', {count: unread}) : t('notices')}>
                <ActionIcon size="lg" onClick={() => openDialog('notices')} aria-label={unread > 0 ? t('notices_unread', {count: unread}) : t('notices')}>
                    <Indicator disabled={unread === 0} label={unread > 99 ? '99+' : unread} size={15} offset={2} color="var(--bad)">
                        <IconBell size={19} stroke={1.7} />
                    </Indicator>
                </ActionIcon>
            </Tooltip>
            <Menu position="bottom-end" width={220}>
                <Menu.Target>
                    <UnstyledButton className={css.me} title={t('account')}>
                        <span className={css.face} aria-hidden>{name.slice(0, 1).toUpperCase()}</span>
                        <span className={css.who}>
                            <span data-given>{name}</span>
                            <small>{t(`role_${me.role}`)}</small>
                        </span>
                    </UnstyledButton>
                </Menu.Target>
                <Menu.Dropdown>
                    <Menu.Label><IconUser size={13} aria-hidden /> <span data-given>{name}</span> · {t(`role_${me.role}`)}</Menu.Label>
                    <Menu.Item leftSection={<IconSettings size={15} />} onClick={() => openDialog('preferences')}>{t('preferences')}</Menu.Item>
                    <Menu.Item leftSection={<IconKeyboard size={15} />} onClick={() => openDialog('shortcuts')}>{t('shortcuts')}</Menu.Item>
                    {me.kind === 'user' && <Menu.Divider />}
                    {me.kind === 'user' && <Menu.Item leftSection={<IconLogout size={15} />} onClick={() => void signOut()}>{t('sign_out')}</Menu.Item>}
                </Menu.Dropdown>
            </Menu>
        </header>
    );
}
