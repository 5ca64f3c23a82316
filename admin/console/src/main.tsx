import {setNonce} from 'get-nonce';
import {createRoot} from 'react-dom/client';
import '@mantine/core/styles.css';
import '@mantine/notifications/styles.css';
import './app/tokens.css';
import {takeKeyOfAddress} from './api/client';
import {App} from './app/App';
import {allowStylesOnly, nonce} from './app/nonce';
import {applyLanguage} from './app/preferences';

allowStylesOnly();
setNonce(nonce);
applyLanguage();
if (location.pathname === '/console/wall') takeKeyOfAddress(location.hash);
createRoot(document.getElementById('root')!).render(<App />);
