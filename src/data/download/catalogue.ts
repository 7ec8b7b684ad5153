/** One file of a set as its publishers have it. */
export interface CatalogueFile {
  readonly name: string;
  /** Of the file as it is downloaded, gzipped. */
  readonly bytes: number;
  readonly sha256: string;
}

/** A server's folder that holds all files of a set. */
export interface Mirror {
  /** Ends with a slash. */
  readonly url: string;
  /** Whether it lets pages of any origin read its files. */
  readonly cors: boolean;
}

/** A set of files that can be downloaded. */
export interface CatalogueEntry {
  /** The function that loads it, for errors. */
  readonly name: string;
  readonly title: string;
  /** What its folder is called, in the cache and below MILLRACE_DATA. */
  readonly folder: string;
  /** Where torchvision keeps its files, below the folder that it is given. */
  readonly torchvision?: string;
  readonly files: readonly CatalogueFile[];
  /** The best one first. */
  readonly mirrors: readonly Mirror[];
}

/** Source: LeCun, Cortes, Burges 1998, "The MNIST database of handwritten digits". */
export const mnistEntry: CatalogueEntry = {
  name: 'mnist',
  title: 'MNIST',
  folder: 'mnist',
  torchvision: 'MNIST/raw',
  files: [
    {
      name: 'train-images-idx3-ubyte.gz',
      bytes: 9_912_422,
      sha256: '440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609',
    },
    {
      name: 'train-labels-idx1-ubyte.gz',
      bytes: 28_881,
      sha256: '3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c',
    },
    {
      name: 't10k-images-idx3-ubyte.gz',
      bytes: 1_648_877,
      sha256: '8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6',
    },
    {
      name: 't10k-labels-idx1-ubyte.gz',
      bytes: 4_542,
      sha256: 'f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6',
    },
  ],
  mirrors: [
    { url: 'https://storage.googleapis.com/cvdf-datasets/mnist/', cors: false },
    { url: 'https://ossci-datasets.s3.amazonaws.com/mnist/', cors: false },
    { url: 'https://raw.githubusercontent.com/fgnt/mnist/master/', cors: true },
  ],
};

/** Source: Xiao, Rasul, Vollgraf 2017, "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning Algorithms". */
export const fashionMnistEntry: CatalogueEntry = {
  name: 'fashionMnist',
  title: 'Fashion-MNIST',
  folder: 'fashion-mnist',
  torchvision: 'FashionMNIST/raw',
  files: [
    {
      name: 'train-images-idx3-ubyte.gz',
      bytes: 26_421_880,
      sha256: '3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84',
    },
    {
      name: 'train-labels-idx1-ubyte.gz',
      bytes: 29_515,
      sha256: 'a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845',
    },
    {
      name: 't10k-images-idx3-ubyte.gz',
      bytes: 4_422_102,
      sha256: '346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073',
    },
    {
      name: 't10k-labels-idx1-ubyte.gz',
      bytes: 5_148,
      sha256: '67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5',
    },
  ],
  mirrors: [
    { url: 'https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/', cors: true },
    // Plain http: what it sends is held against the sums all the same.
    { url: 'http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/', cors: false },
  ],
};

/**
 * Source: Krizhevsky 2009, "Learning Multiple Layers of Features from Tiny Images"; www.cs.toronto.edu/~kriz/cifar.html,
 * which gives the MD5 c32a1d4ab5d03f1284b67883e8d87530 of the same file.
 */
export const cifar10Entry: CatalogueEntry = {
  name: 'cifar10',
  title: 'CIFAR-10',
  folder: 'cifar10',
  files: [
    {
      name: 'cifar-10-binary.tar.gz',
      bytes: 170_052_171,
      sha256: 'c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd',
    },
  ],
  mirrors: [{ url: 'https://www.cs.toronto.edu/~kriz/', cors: false }],
};
