import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generate } from 'selfsigned';

/** Certificates of a server called localhost and of a client, both signed by one authority, in PEM. */
export async function writeCertificates(folder: string) {
  const signer = await generate([{ name: 'commonName', value: 'buschart tests' }], {
    algorithm: 'sha256',
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, digitalSignature: true, critical: true },
    ],
  });
  const signed = async (name: string) => {
    const { cert, private: key } = await generate([{ name: 'commonName', value: name }], {
      algorithm: 'sha256',
      ca: { key: signer.private, cert: signer.cert },
      extensions: [
        { name: 'keyUsage', digitalSignature: true, keyEncipherment: true },
        { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
        { name: 'subjectAltName', altNames: [{ type: 2, value: name }] },
      ],
    });
    return { cert, key };
  };
  const { cert, key } = await signed('localhost');
  const server = {
    certificateFile: join(folder, 'cert.pem'),
    keyFile: join(folder, 'key.pem'),
    caFile: join(folder, 'ca.pem'),
  };
  await writeFile(server.caFile, signer.cert);
  await writeFile(server.certificateFile, cert);
  await writeFile(server.keyFile, key);
  return { server, authority: signer.cert, client: await signed('client') };
}
