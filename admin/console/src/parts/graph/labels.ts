// What React Flow says to who hears it, in the console's languages.
import {defineTexts, text} from '@/i18n';

const texts = defineTexts('graph', {
    en: {
        node: 'Enter chooses it',
        edge: 'Enter chooses it',
        controls: 'How it is seen',
        zoom_in: 'Larger',
        zoom_out: 'Smaller',
        fit: 'All of it',
        overview: 'Small map',
    },
    de: {
        node: 'Eingabe wählt es aus',
        edge: 'Eingabe wählt sie aus',
        controls: 'Ansicht',
        zoom_in: 'Größer',
        zoom_out: 'Kleiner',
        fit: 'Alles',
        overview: 'Kleine Karte',
    },
});

export const graphLabels = () => ({
    'node.a11yDescription.default': text(texts, 'node'),
    'node.a11yDescription.keyboardDisabled': text(texts, 'node'),
    'edge.a11yDescription.default': text(texts, 'edge'),
    'controls.ariaLabel': text(texts, 'controls'),
    'controls.zoomIn.ariaLabel': text(texts, 'zoom_in'),
    'controls.zoomOut.ariaLabel': text(texts, 'zoom_out'),
    'controls.fitView.ariaLabel': text(texts, 'fit'),
    'minimap.ariaLabel': text(texts, 'overview'),
});
