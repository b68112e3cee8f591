// What a text is written in. Grammars that somebody keeps are loaded; those of our own
// languages only tell words apart, for their colours: what is wrong, the engine says.
import { StreamLanguage, type StreamParser } from '@codemirror/language'
import type { Extension } from '@codemirror/state'

export type Language = 'json' | 'yaml' | 'sql' | 'query' | 'secl' | 'grok' | 'text'

export async function languageOf(name: Language): Promise<Extension> {
  switch (name) {
    case 'json':
      return (await import('@codemirror/lang-json')).json()
    case 'yaml':
      return (await import('@codemirror/lang-yaml')).yaml()
    case 'sql':
      return (await import('./sql')).clickHouse()
    case 'query':
      return StreamLanguage.define(query)
    case 'secl':
      return StreamLanguage.define(secl)
    case 'grok':
      return StreamLanguage.define(grok)
    case 'text':
      return []
  }
}

/** lexer reads a language whose words are told apart by the first expression that fits. */
function lexer(name: string, words: [RegExp, string | null][]): StreamParser<null> {
  return {
    name,
    startState: () => null,
    token: (stream) => {
      for (const [word, look] of words) if (stream.match(word)) return look
      stream.next()
      return null
    },
  }
}

const query = lexer('query', [
  [/"(?:\\.|[^"\\])*"?/, 'string'],
  [/(?:AND|OR|NOT)(?![\w.@/])/, 'operatorKeyword'],
  [/&&|\|\||[()[\]]/, 'operatorKeyword'],
  [/-?@?[\w.@/-]+:/, 'propertyName'],
  [/\s+/, null],
  [/[^\s:()[\]"]+/, null],
])

const secl = lexer('secl', [
  [/#.*/, 'comment'],
  [/~?"(?:\\.|[^"\\])*"?|r"(?:\\.|[^"\\])*"?/, 'string'],
  [/\d+(?:\.\d+){3}(?:\/\d+)?|\d+(?:ns|us|ms|s|m|h|d)?\b/, 'number'],
  [/(?:true|false)\b/, 'bool'],
  [/(?:and|or|not|in|notin|allin)\b/i, 'operatorKeyword'],
  [/&&|\|\||[=!<>]=?|=~|!~|[&|^~]/, 'operatorKeyword'],
  [/[$%]\{[^}]*\}?/, 'variableName'],
  [/[A-Z][A-Z0-9_]+\b/, 'atom'],
  [/[a-z_][\w.]*/, 'propertyName'],
])

const grok = lexer('grok', [
  [/%\{[^}]*\}?/, 'propertyName'],
  [/\\./, 'escape'],
  [/^\w+(?=\s)/, 'keyword'],
  [/[()[\]|?*+.]/, 'operatorKeyword'],
])
