// As what a document is published, and why.
import {Checkbox, Radio, Stack} from '@mantine/core';
import {useQueryClient} from '@tanstack/react-query';
import {useState} from 'react';
import {useTexts} from '@/i18n';
import {ReasonDialog} from '@/parts/Reason';
import {done} from '@/parts/toast';
import {texts} from '../texts';
import {publish, type Version} from '../workflows';

export function PublishDialog({text, name, faulty, ofFile, onPublished, onClose}: {text: string; name: string; faulty: boolean; ofFile: boolean; onPublished: (version: Version) => void; onClose: () => void}) {
    const t = useTexts(texts);
    const queries = useQueryClient();
    const [state, setState] = useState<'draft' | 'shadow' | 'active'>(faulty || ofFile ? 'draft' : 'active');
    const [migrate, setMigrate] = useState(false);
    return (
        <ReasonDialog
            title={t('publish_title', {name})}
            action={t('publish_do')}
            optional
            onClose={onClose}
            run={async (note) => {
                const version = await publish(text, state, note, migrate && state === 'active');
                done(t('published', {n: version.version, state: t(`state_${version.state}`)}));
                void queries.invalidateQueries({queryKey: ['workflows']});
                onPublished(version);
            }}
        >
            <Radio.Group value={state} onChange={(value) => setState(value as typeof state)} aria-label={t('state')}>
                <Stack gap="xs">
                    <Radio value="active" label={t('as_active')} description={ofFile ? t('of_file') : t('as_active_more')} disabled={faulty || ofFile} />
                    <Radio value="shadow" label={t('as_shadow')} description={t('as_shadow_more')} disabled={faulty} />
                    <Radio value="draft" label={t('as_draft')} description={t('as_draft_more')} />
                </Stack>
            </Radio.Group>
            {state === 'active' && <Checkbox label={t('migrate')} checked={migrate} onChange={(event) => setMigrate(event.currentTarget.checked)} />}
        </ReasonDialog>
    );
}
