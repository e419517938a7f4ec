"""Fashion-MNIST: 70,000 grey pictures of clothes, 28x28, ten classes; ships with the program."""

from engines.data.bundled import DATASETS, grey_images
from engines.data.source import Progress, Source, silent
from engines.registry import dataset

CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)


@dataset("Fashion-MNIST", licence="MIT", images=70_000)
def fashion_mnist(progress: Progress = silent) -> Source:
    """Clothes from a shop's catalogue, grey, 28×28: 60,000 to train on and 10,000 to test.

    Ten classes of equal size. Plain networks of two convolutions reach 0.876 to 0.934 on
    the test images; its README lists them.

    Raises:
        DataError: a file is missing or its SHA-256 is wrong.

    Reference: Xiao, Rasul and Vollgraf 2017, arXiv:1708.07747.
    """
    folder = DATASETS / "fashion-mnist"
    progress(0, 2, "reading the test images")
    test = grey_images(folder, "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz")
    progress(1, 2, "reading the training images")
    train = grey_images(folder, "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz")
    progress(2, 2, "read")
    return Source(CLASSES, train, test)
