// One event, whole.
import {Button, Group} from '@mantine/core';
import {IconRoute, IconSearch} from '@tabler/icons-react';
import {Link} from 'wouter';
import {useTexts} from '@/i18n';
import {Badge, Severity} from '@/parts/Badge';
import {count} from '@/parts/format';
import {Json} from '@/parts/Json';
import {Facts} from '@/parts/Page';
import {Time} from '@/parts/Time';
import {texts} from './texts';

export interface ShownEvent {
    seq: number;
    received: string;
    tenant: string;
    region: string;
    state?: 'waiting' | 'stored';
    withheld?: boolean;
    damaged?: boolean;
    event?: Record<string, unknown>;
}
/// Query language's quotes, where a value needs them.
export const quoted = (value: string) => (/[\s"]/.test(value) ? `"${value.replaceAll('"', '\\"')}"` : value);

export function EventDetail({of}: {of: ShownEvent}) {
    const t = useTexts(texts);
    const event = of.event ?? {};
    const text = (name: string) => (typeof event[name] === 'string' ? (event[name] as string) : undefined);
    const subject = text('subject');
    return (
        <>
            {subject && (
                <Group gap="xs">
                    <Button component={Link} href={`/console/lifecycle?key=${encodeURIComponent(subject)}${of.tenant !== 'default' ? `&tenant=${encodeURIComponent(of.tenant)}` : ''}`} leftSection={<IconRoute size={15} />}>{t('lifecycle')}</Button>
                    <Button component={Link} href={`/console/search?q=${encodeURIComponent(`key:${quoted(subject)}`)}`} leftSection={<IconSearch size={15} />}>{t('same_key')}</Button>
                </Group>
            )}
            {of.damaged && <Badge level="bad">{t('damaged')}</Badge>}
            <div data-given>
                <Facts
                    items={[
                        [t('key'), subject ?? '–'],
                        [t('type'), text('type') ?? '–'],
                        [t('severity'), <Severity key="s" value={event.severity as number | undefined} />],
                        [t('received'), <Time key="r" at={of.received} />],
                        [t('happened'), <Time key="h" at={text('time')} />],
                        [t('region'), of.region],
                        [t('tenant'), of.tenant],
                        [t('source'), text('source') ?? '–'],
                        [t('id'), text('id') ?? '–'],
                        [t('seq'), count(of.seq)],
                        ...(of.state ? [[t('state'), <Badge key="b" level={of.state === 'stored' ? 'ok' : 'info'} quiet>{t(`state_${of.state}`)}</Badge>] as [React.ReactNode, React.ReactNode]] : []),
                    ]}
                />
            </div>
            {of.withheld ? <p>{t('withheld')}</p> : <Json value={event} label={t('data')} />}
        </>
    );
}
