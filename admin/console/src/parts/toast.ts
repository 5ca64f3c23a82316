import {notifications} from '@mantine/notifications';
import {ProblemError} from '@/api/client';
import {text} from '@/i18n';
import {texts} from './texts';

/// What came of what one just did.
export function done(message: string): void {
    notifications.show({message, color: 'green', autoClose: 4_000});
}
export function refused(error: unknown): void {
    const problem = error instanceof ProblemError ? error.problem : undefined;
    notifications.show({
        title: problem?.title ?? text(texts, error instanceof ProblemError ? 'unreachable' : 'refused'),
        message: problem?.detail ?? (error instanceof ProblemError ? text(texts, 'unreachable_more') : String(error)),
        color: 'red',
        autoClose: 9_000,
    });
}
