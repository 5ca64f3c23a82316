import {Button} from '@mantine/core';
import {IconPlus} from '@tabler/icons-react';
import {useQueryClient} from '@tanstack/react-query';
import {useState} from 'react';
import {useLive} from '@/api/stream';
import {useMay, useSeesAll} from '@/app/session';
import {useTexts} from '@/i18n';
import {Page} from '@/parts/Page';
import {Loading} from '@/parts/States';
import {AddRegion} from './AddRegion';
import {useRegions} from './data';
import {RegionPanel} from './RegionPanel';
import css from './Regions.module.css';
import {texts} from './texts';

export default function RegionsPage() {
    const t = useTexts(texts);
    const queries = useQueryClient();
    const status = useLive((live) => live.status);
    const regions = useRegions();
    const admin = useMay('admin');
    const seesAll = useSeesAll();
    const mayChange = admin && seesAll;
    const [adding, setAdding] = useState(false);
    const changed = () => void queries.invalidateQueries({queryKey: ['regions']});
    if (!status) return <Page title={t('title')}><Loading /></Page>;
    return (
        <Page
            title={t('title')}
            note={t('note')}
            actions={mayChange && <Button leftSection={<IconPlus size={15} />} onClick={() => setAdding(true)}>{t('add')}</Button>}
        >
            <div className={css.grid}>
                {status.regions.map((live) => (
                    <RegionPanel
                        key={live.name}
                        live={live}
                        region={regions.data?.items.find((r) => r.name === live.name)}
                        nextSeq={status.log?.next_seq ?? 0}
                        mayChange={mayChange}
                        onChange={changed}
                    />
                ))}
            </div>
            {adding && <AddRegion onDone={changed} onClose={() => setAdding(false)} />}
        </Page>
    );
}
