import {type CSSVariablesResolver, createTheme, type MantineColorsTuple} from '@mantine/core';

const petrol: MantineColorsTuple = [
    '#e6f4f4', '#cfe8e8', '#a3d3d3', '#74bdbd', '#4fc6c4', '#2c9a9c', '#12838a', '#0a6b70', '#08585c', '#05464a',
];

/// Dark enough for white on it, light enough for black in the dark scheme.
const red: MantineColorsTuple = [
    '#fce8e8', '#f8d0d2', '#f0a3a7', '#e87379', '#ff7f7f', '#d33b45', '#c62a35', '#b91f2a', '#9c1a23', '#7d141c',
];

/// Mantine's greys of the dark scheme, as tokens.css has them.
const dark: MantineColorsTuple = [
    '#e7ecf1', '#c3cdd6', '#a3b0bd', '#8c9aa8', '#35424e', '#27323b', '#0d1216', '#11171d', '#0b0f13', '#070a0d',
];

export const theme = createTheme({
    primaryColor: 'petrol',
    primaryShade: {light: 7, dark: 4},
    autoContrast: true,
    colors: {petrol, red, dark},
    fontFamily: 'var(--sans)',
    fontFamilyMonospace: 'var(--mono)',
    defaultRadius: 6,
    cursorType: 'pointer',
    respectReducedMotion: true,
    fontSizes: {xs: '0.75rem', sm: '0.8125rem', md: '0.875rem', lg: '1rem', xl: '1.25rem'},
    headings: {fontWeight: '600'},
    components: {
        Button: {
            defaultProps: {size: 'xs', variant: 'default'},
            vars: (_theme: unknown, props: {variant?: string; color?: string}) => ({
                root: props.variant === 'filled' && !props.color ? {'--button-color': 'var(--on-accent)'} : {},
            }),
        },
        ActionIcon: {defaultProps: {variant: 'subtle', color: 'gray'}},
        TextInput: {defaultProps: {size: 'xs'}},
        PasswordInput: {defaultProps: {size: 'xs'}},
        Textarea: {defaultProps: {size: 'xs'}},
        NumberInput: {defaultProps: {size: 'xs'}},
        Select: {defaultProps: {size: 'xs', comboboxProps: {shadow: 'md'}}},
        MultiSelect: {defaultProps: {size: 'xs'}},
        SegmentedControl: {defaultProps: {size: 'xs'}},
        Switch: {defaultProps: {size: 'xs'}},
        Checkbox: {defaultProps: {size: 'xs'}},
        Tooltip: {defaultProps: {openDelay: 250, withArrow: true, events: {hover: true, focus: true, touch: true}}},
        Modal: {defaultProps: {centered: true, overlayProps: {backgroundOpacity: 0.45}}},
        Drawer: {defaultProps: {overlayProps: {backgroundOpacity: 0.45}}},
        Menu: {defaultProps: {shadow: 'md', withinPortal: true}},
    },
});

/// Mantine's own names for what tokens.css has.
export const cssVariables: CSSVariablesResolver = () => {
    const both = {
        '--mantine-color-body': 'var(--surface)',
        '--mantine-color-text': 'var(--text)',
        '--mantine-color-dimmed': 'var(--muted)',
        '--mantine-color-placeholder': 'var(--faint)',
        '--mantine-color-anchor': 'var(--accent)',
        '--mantine-color-default': 'var(--surface)',
        '--mantine-color-default-hover': 'var(--hover)',
        '--mantine-color-default-color': 'var(--text)',
        '--mantine-color-default-border': 'var(--strong-line)',
        '--mantine-color-error': 'var(--bad)',
        '--mantine-color-petrol-filled': 'var(--accent)',
        '--mantine-color-petrol-filled-hover': 'var(--accent)',
        '--mantine-color-petrol-light': 'var(--accent-soft)',
        '--mantine-color-petrol-light-color': 'var(--accent)',
        '--mantine-color-gray-light': 'var(--none-soft)',
        '--mantine-color-gray-light-color': 'var(--muted)',
        '--mantine-color-gray-text': 'var(--muted)',
        '--mantine-primary-color-contrast': 'var(--on-accent)',
    };
    return {variables: {}, light: both, dark: both};
};
