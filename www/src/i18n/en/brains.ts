// Who answers, and how a model is connected.

export const brains = {
  connect: 'Connect a model',
  connectText:
    'Any endpoint that speaks the OpenAI protocol. The page asks it directly, from this browser; nothing goes through anyone else.',
  where: 'Where the model is',
  otherEndpoint: 'Other',
  url: 'Address',
  urlNote: 'Up to and without “/chat/completions”.',
  key: 'Key',
  keyNote:
    'Kept in this browser only, and sent to this address only. Until this tab is closed, unless you say:',
  keepKey: 'Keep the key in this browser after that',
  model: 'Model',
  modelNote: 'After the test, its models can be chosen from.',
  name: 'Name',
  nameNote: 'How your chats call it, as their brain.',
  saveAndTest: 'Save and test',
  badUrl: 'This is no web address. It should look like https://host/v1.',
  nameTaken: '“{{name}}” is taken. Choose another name.',
  notSaved: 'The browser kept nothing: {{why}}',
  testing: 'Asking {{host}}…',
  works_one: '{{host}} answers. It has {{count}} model.',
  works_other: '{{host}} answers. It has {{count}} models.',
  noSuchModel: '“{{model}}” is not one of them.',
  goesTo: 'What you write in chats with it goes to {{host}}.',
  goesNowhere: 'It is on this device: what you write does not leave it.',
  savedButFailed: 'Saved, but it does not answer: {{why}}',
  change: 'Change “{{name}}”',
  remove: 'Remove',
  removeNamed: 'Remove “{{name}}”',
  removeTitle: 'Remove “{{name}}”?',
  removeText:
    'The address {{host}} and its key are forgotten. Chats with it stay, and nobody answers in them until you choose who.',
  here: 'On this page',
  models: 'Models',
  connectMore: 'Connect a model…',
  nobody: 'Other names: nobody answers',
  otherName: 'Another name…',
  answeredBy: 'Answered by',
  whereHere: 'Answered on this page. Nothing you write leaves this device.',
  whereNobody: 'Nobody answers as “{{name}}” here. Choose above who does.',
  whereLocal: 'Goes to {{host}}, on this device.',
  whereLocalModel: 'Goes to {{host}}, on this device: {{model}}.',
  whereTo: 'What you write here goes to {{host}}.',
  whereToModel: 'What you write here goes to {{host}}: {{model}}.',
  askedAt: 'Asked at {{url}}',
  explainNoKey: 'There is no key for it in this tab. Enter it again under “Connect a model”.',
  explainKey:
    '{{host}} did not accept the key, or does not let this page ask. Look at the key under “Connect a model”.',
  explain404: '{{host}} has nothing there: the address or the model may be misspelt.',
  explain429: '{{host}} wants you to wait, or the account has no credit left.',
  explainMixed:
    'This page came over https, and a browser lets it ask http only of this device. Give {{host}} https, or open this page from localhost.',
  explainNetwork:
    'A browser does not say why. Mostly {{host}} is not there (not started, no network, a misspelt address), or it does not let this page ask (CORS).',
  explainOllama:
    'Ollama answers other pages only if it is told to: start it with OLLAMA_ORIGINS={{origin}} ollama serve.',
  explainLmStudio: 'LM Studio: start the server in its Developer tab and switch “Enable CORS” on.',
  explainLocal: 'A server on this device has to allow the origin {{origin}} in its CORS settings.',
  explainCors:
    'Whether a page may ask is the endpoint’s to say (CORS). OpenAI and OpenRouter let every page.',
} as const;
