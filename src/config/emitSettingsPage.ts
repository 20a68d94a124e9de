import { writeFileSync } from 'node:fs';
import { settingsPage } from './settingsPage';

// Run from the project folder by `npm run docs`.
writeFileSync('docs/settings.md', settingsPage());
