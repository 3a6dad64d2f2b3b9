/** A string, which is passed over, or a number that JSON does not have. */
const TOKEN = /"(?:[^"\\]|\\.)*"|-?\bInfinity\b|\bNaN\b/g;

/**
 * Reads JSON as Python writes it, where NaN and Infinity stand bare: they become null.
 * @throws SyntaxError for what is no JSON either way
 */
export function parsePythonJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!/NaN|Infinity/.test(text)) throw error;
    return JSON.parse(text.replace(TOKEN, (token) => (token.startsWith('"') ? token : 'null')));
  }
}
