// Published weights that `thrum models pull` can fetch, each at the address its authors name.

export type PublishedWeights = {
  /** Name in the registry. */
  id: string;
  url: string;
  /** SHA-256 of the file, where one is published or was verified. The authors publish none so far. */
  sha256?: string;
  source: string;
};

const fisher = (size: string, file: string): PublishedWeights => ({
  id: `fisher-${size}`,
  url: `https://cloud.tsinghua.edu.cn/f/${file}/?dl=1`,
  source: 'FISHER, arXiv 2507.16696, MIT licence',
});

/** Nothing is fetched unless a user asks for it by name. */
export const publishedWeights: readonly PublishedWeights[] = [
  {
    id: 'echo-small',
    url: 'https://huggingface.co/yucongzh/echo-small-0824/resolve/main/model.safetensors',
    source: 'ECHO, arXiv 2508.14689; licence: see the model page',
  },
  fisher('tiny', '630a4b1b2962481a9150'),
  fisher('mini', '60b3bfc0977f45f48dff'),
  fisher('small', 'f997a6932b614046915e'),
];
