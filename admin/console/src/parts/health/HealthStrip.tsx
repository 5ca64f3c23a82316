// How all of it is, in a line; and each part with why.
import {Link} from 'wouter';
import type {Status} from '@/api/stream';
import {useTexts} from '@/i18n';
import {LevelIcon} from '@/parts/Badge';
import {type CheckName, checksOf, worst} from './health';
import css from './HealthStrip.module.css';
import {texts} from './texts';

export function useVerdict(status: Status) {
    const t = useTexts(texts);
    const checks = checksOf(status);
    const level = worst(checks.map((c) => c.level));
    const count = checks.filter((c) => c.level === level).length;
    const says = level === 'bad' ? t('trouble', {count}) : level === 'warn' ? t('attention', {count}) : t('all_well');
    return {checks, level, says, nameOf: (name: CheckName) => t(name), saysOf: (check: (typeof checks)[number]) => t(check.says as 'log_ok', check.values)};
}

export function HealthStrip({status}: {status: Status}) {
    const {checks, level, says, nameOf, saysOf} = useVerdict(status);
    return (
        <section className={css.strip} data-level={level} aria-label={says}>
            <p className={css.verdict}><LevelIcon level={level} size={22} /> <strong>{says}</strong></p>
            <ul>
                {checks.map((check) => (
                    <li key={check.name} data-level={check.level}>
                        <Link href={check.to}>
                            <LevelIcon level={check.level} size={17} />
                            <span><strong>{nameOf(check.name)}</strong><span>{saysOf(check)}</span></span>
                        </Link>
                    </li>
                ))}
            </ul>
        </section>
    );
}
