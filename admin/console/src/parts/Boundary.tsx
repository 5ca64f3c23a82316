import {Component, type ReactNode} from 'react';
import {Trouble} from './States';

/// A fault of one page leaves the others usable.
export class PageBoundary extends Component<{children: ReactNode; place: string}, {error: unknown}> {
    override state: {error: unknown} = {error: undefined};
    static getDerivedStateFromError(error: unknown) {
        return {error};
    }
    override componentDidUpdate(before: {place: string}) {
        if (before.place !== this.props.place && this.state.error !== undefined) this.setState({error: undefined});
    }
    override render() {
        if (this.state.error === undefined) return this.props.children;
        return <Trouble error={this.state.error} retry={() => window.location.reload()} />;
    }
}
