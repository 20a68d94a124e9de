/** A job on the backend `absent`, whose Python is at a path where there may be none: `shout` gives `loud`. */
export const shoutBy = (interpreter: string): string => `
backend: absent
kind: python
interpreter: ${interpreter}
---
task: shout
backend: absent
parameters: { word: string }
script: loud = word.upper()
outputs: { loud: string }
---
job: shout
inputs: { word: string }
steps: { shout: { task: shout, in: { word: word } } }
outputs: { loud: shout.loud }
`;
