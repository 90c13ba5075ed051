// What is shown where there are no chats yet.

export const firstRun = {
  title: 'All your chats in one private place',
  text: 'Bring what you have, or begin here. Everything is kept on this device, and can be searched at once.',
  import: 'Bring your chats',
  importText:
    'Drop an export of ChatGPT or Claude here, or of LibreChat or Open WebUI. It can be searched while it comes in.',
  choose: 'Choose a file…',
  how: 'Where do I get the file?',
  chatgpt: 'ChatGPT: Settings, Data controls, Export data. A mail brings a link to a zip file.',
  claude: 'Claude: Settings, Privacy, Export data. A mail brings a link to a zip file.',
  asIs: 'Drop the zip file as it is.',
  connect: 'Connect a model',
  connectText:
    'OpenAI, OpenRouter, Ollama, LM Studio, or any server that speaks their language. Your key stays in this browser.',
  connectButton: 'Connect…',
  samples: 'Look around first',
  samplesText:
    'A few chats to try search, branches and export with. They are deleted like any other.',
  samplesButton: 'Add sample chats',
  samplesFailed: 'The sample chats were not added',
  write: 'Just write something',
  restore: 'Restore a backup…',
  tour: 'For developers: each method, tried out',
} as const;
