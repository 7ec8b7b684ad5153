export const help = `millrace trains neural networks on WebGPU.

  millrace train mnist | fashion-mnist | cifar10 | digits | speech | FILE.csv   [options]
  millrace train text FILE | sentiment FILE | translation FILE FILE | dialogue FILE   [options]
  millrace node … --superlink URL, with what train takes                        [options]
  millrace predict MODEL FILE                                                   [options]
  millrace generate MODEL | translate MODEL [FILE] | chat MODEL                 [options]
  millrace inspect FILE | convert FILE FILE                                     [options]
  millrace devices

train learns, and says how well it does on samples that it has not seen.
  mnist, fashion-mnist   from --data, MILLRACE_DATA, the cache, or the network
  cifar10                from the same; its form is binary, or PNG with a row for each image
  digits                 synthetic ones, which mnist also falls back to
  speech                 spoken words, told apart: --data names FSDD, or a folder with one of WAV files for each word
  FILE.csv               a table, gzipped or not; its last column is learned
  text FILE              what comes next in a text in UTF-8, gzipped or not; its last tenth is held out
  sentiment FILE [TEST]  the class of a line: "label text", a table of texts and labels, or a folder with a file by class
  translation FILE FILE  sentences, and the same in another language, line by line
  dialogue FILE          answers, of a text of "Q: …" and "A: …", or of questions in bold

  --data DIR          the folder of the set's files
  --transcribe        of speech: tells all words of a recording in which several follow each other
  --leave-out NAME    of FSDD: a speaker of whom nothing is learned, to judge by instead of the publishers' part
  --model NAME        mlp, or of images cnn, lenet, resnet8, resnet14, resnet18; lstm or gru of speech, --sequence   (mlp)
                      text, dialogue: gpt, lstm, gru   (gpt); sentiment: cnn, lstm, gru, transformer   (cnn)
  --epochs N          passes over the training set           (by the model, see below)
  --steps N           so many steps instead
  --batch N           samples a step                         (128; cnn: 64; tables, speech: 32; --transcribe: 16)
  --hidden N[,N…]     widths of an mlp's hidden layers; 0: none   (128; tables: 64,32)
  --augment YES|NO    changes images at random, other ways at each step   (auto: no for mlp, yes for others)
  --optimizer NAME    adam, adamw or sgd (momentum 0.9)      (by the model)
  --lr X              learning rate                          (3e-3; sgd: 0.1)
  --weight-decay X    of adamw and sgd                       (by the model; else adamw: 0.01)
  --schedule NAME     cosine to 0 (text: to a tenth), or constant   (cosine)
  --backend NAME      webgpu, wasm, cpu (the plain references), or auto: webgpu on a GPU, else wasm  (auto)
  --seed N            fixes weights, order, and which rows are held out        (1)
  --on-nan NAME       where a number is NaN or infinite: stop, skip the step, or rewind up to 100 steps  (stop)
  --from MODEL        begins with it: one that --save wrote, or PyTorch's weights of the same layers; of images or tables
                      also a model of ONNX, Keras or TensorFlow.js; a table is read as its own model read it
  --save FILE         keeps the model, for predict           (safetensors; FILE.onnx: for other programs)
  --checkpoint DIR    keeps there, each minute and at the end, all that training goes on from
  --resume            goes on from the newest of --checkpoint, in the same bits; anew where there is none
  --report FILE.json  writes what came of it
  --pictures DIR      draws there what the first layer looks for, and what is taken for what
  --profile N         times every launch of N more steps, which change nothing
  --quiet             prints the last line only

what a model is, and how it learns unless it is told
  mlp                 linear layers with ReLU; 4 epochs of adam; of a table 960 / √rows of adamw, decay 0.1
  lenet               LeNet-5, in today's form; 8 epochs of adamw, decay 0.01
  cnn                 two 3×3 convolutions with batch norm, a dense layer; 12 epochs of adamw, decay 0.05
  resnet8, 14, 18     residual networks; 30 epochs of sgd, decay 5e-4; 18 is large: it wants a GPU
  speech              two convolutions over time; 20 epochs of adamw, decay 0.01; a fifth of a folder's files is held out
    --transcribe      of strings of 2 to 6 words: two convolutions, a GRU of both directions, CTC; 10 epochs of adamw
  lstm, gru           of both directions, 64 units each, which read a word or series step by step; else as the set's own
  Augmented, digits are shifted by 2 pixels, turned by 10° and scaled by 10 %, each way at most; clothes (fashion-mnist)
  are shifted by 1 and mirrored, photographs (cifar10) shifted by 4 and mirrored; speech is shifted by 50 ms, and masked.

node learns as train does, with others, as a node of a Flower federation; see docs/many-machines.md.
  --superlink URL     where the SuperLink is, as http://127.0.0.1:8000
  --epochs N, --steps N   of a round, where its config says neither   (1 epoch)
  --key FILE          its private key; made where there is none, with FILE.pub for flwr supernode register
  --layout NAME       how weights are named and laid out in the run: millrace, torch or keras   (millrace)
  --names A=B[,A=B]   of torch: PyTorch's names of modules, by those here
  --part K/N          learns from one of N parts of the samples; all nodes with one --seed share them out
  --labels A[,B-C]    learns from samples of these classes alone, by name or number
  --optimizer-state NAME   whether moments begin anew in each round: reset, or keep   (reset)
  --runs N            leaves when so many have ended         (waits for further ones)
  --patience N        seconds for which a lost connection is tried again   (600)
  --heartbeat N       seconds within which it promises a sign of life, 10 to 1800; more for steps that take longer   (30)
  Not of nodes: --schedule, --on-nan, --checkpoint, --resume, --pictures, --profile, --folds.

of a table
  --target COLUMN     what is learned: a name, or a number from 1, -1 the last  (-1)
  --task NAME         classification or regression           (told by its cells)
  --held-out X        the share of the rows to test on       (0.2)
  --drop COLUMN[,…]   what to leave out
  --header YES|NO     whether line 1 has the columns' names  (told by its cells)
  --delimiter C       between cells: a character, or tab     (told by its lines)
  --decimal . | ,     before fractions, where a column's cells leave it open
  --sequence          its rows follow each other in time: the last of them are forecast from those before
  --length N          steps that a forecast sees             (24)
  --horizon N         steps that it tells                    (12)
  --missing WORD[,…]  what reads as missing besides an empty cell; none: nothing  (NA, N/A, NaN, null, ?, -, --, .)

of text
  --tokenizer NAME    what a token is: characters, bytes, words, or pairs, which are parts of words   (by the kind)
  --vocabulary N      the most tokens to tell apart; those of the rarest words or characters give way
  --context N         tokens that are looked at together     (text: 64; else as many as the longest line has)
  --layers N          --heads N   --width N   how large a model is   (text, dialogue: 4, 4, 128; sentiment: 1, 4, 64)
  --dropout X         the share of a layer's numbers that is dropped in training   (text: 0; sentiment: 0.5)
  --held-out X        of sentiment: the share of the lines to test on, where no file is given   (0.1)
  --folds N           of sentiment: holds out each of N parts in turn, and tells the mean
  gpt is nanoGPT's for a CPU: 2,000 steps of 12 windows, adamw at 3e-3 (its own: 1e-3), decay 0.1, gradients up to 1, beta2 0.99.

generate goes on with a text.
  --prompt TEXT       what it begins with                    (a new line)
  --tokens N          how many it adds                       (500)
  --temperature X     0 takes the likeliest each time, below 1 is surer, above 1 more daring   (1; chat: 0)
  --top-k N           chooses among the N likeliest          --top-p X   among those that have X together
translate prints a line for each line of a file, or of what comes in.
  --beams N           ways gone on with side by side         (4)
  --reference FILE    translations by somebody else, line by line: says on standard error how near its own come, as BLEU
chat answers each line with the answer that it has learned, or what it takes for one: it knows nothing else, and
  remembers nothing of what was said before.

predict prints one line for each row of a table, line of a text, image of an IDX, PNG or CIFAR-10 batch file, or WAV file.
  --ground G          behind what is transparent: a grey of 0 … 255, or R,G,B   (what the model was trained on)
  --invert YES|NO     takes negatives of the images          (only where nothing is seen otherwise)
  train cifar10 takes --ground too, for sets of PNG pictures.
inspect says what a file holds: layers, numbers, and what of it is not read; it ends with 1 if that is something.
  of ONNX, Keras, TensorFlow.js, safetensors, .npy, .npz         --report FILE.json   the same for programs
convert writes a model as FILE.onnx, or the numbers of any of these as FILE.safetensors or FILE.npz.
  --shape N[,N…]      extents of a sample, where the file leaves them open
  --opset N           of ONNX' operators, 13 to 23           (17)
devices prints what WebGPU finds here, and what to install where it finds nothing.

NO_COLOR turns colours off. Exit codes: 0 done, 1 failed, 2 a wrong command, 130 stopped by Ctrl-C.
`;
