import DOMPurify from 'dompurify';
import mermaid from 'mermaid';

// The parser cleans every text with it, which needs a browser; what is tested is whether it takes the chart at all.
const asItIs = { addHook: () => undefined, sanitize: (text: string) => text };
if (!DOMPurify.isSupported) Object.assign(DOMPurify, asItIs);

/** Resolves if Mermaid's own parser takes the text. */
export async function parseMermaid(text: string): Promise<void> {
  const { diagramType } = await mermaid.parse(text);
  if (diagramType !== 'stateDiagram') throw new Error(`Mermaid takes it for a ${diagramType}.`);
}
