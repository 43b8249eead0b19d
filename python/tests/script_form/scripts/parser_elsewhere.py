import argparse


def build():
    parser = argparse.ArgumentParser(description="Trains: a long text\nwith several lines.", formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("data", help="training file")
    parser.add_argument("extra", nargs="*", help="more files")
    parser.add_argument("--lr", type=float, default=1e-3, help="peak rate, see (a note)")
    parser.add_argument("--batch-size", "-b", type=int, default=32, metavar="N", help="rows")
    parser.add_argument("-o", "--optim", choices=["adam", "sgd"], default="adam", help="update rule")
    parser.add_argument("--depth", type=int, choices=[2, 4], default=2, help="blocks")
    parser.add_argument("--layers", type=int, nargs="+", default=[224, 256], help="widths")
    parser.add_argument("--tag", action="append", default=[], help="may be repeated")
    parser.add_argument("--fast", action="store_true", help="cut corners")
    parser.add_argument("--no-shuffle", dest="shuffle", action="store_false", help="keep the order")
    parser.add_argument("--amp", action=argparse.BooleanOptionalAction, default=True, help="mixed precision")
    parser.add_argument("--name", required=True, help="of the run")
    parser.add_argument("--resume", default=None, help="checkpoint")
    parser.add_argument("--out-dir", default="out", help="where it goes")
    group = parser.add_argument_group("Model")
    group.add_argument("--a-very-long-option-name-for-the-model", default="base", help="its help stands on the next line")
    group.add_argument("--script", default="x", help="called like a field of the form")
    return parser
