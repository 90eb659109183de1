"""A fitted SA-Net estimator as plain values: for pickle, for `save_model`, and in a folder."""

from numbers import Integral

from sklearn.utils.validation import check_is_fitted

from sklidh.features._sanet_files import read_model, write_model
from sklidh.nn._device import choose_device
from sklidh.nn._trained import freeze, thaw
from sklidh.utils import ModelFileError


class SavedNetworksMixin:
    """An estimator that holds trained networks, of the class `_module`, in the dict ``nets_``."""

    def __getstate__(self):
        # Plain values: what pickle, deepcopy and save_model write is the same, and holds no code.
        return self._with_nets(dict(super().__getstate__()), freeze)

    def __setstate__(self, state):
        # A network that was trained on a GPU answers without one, too.
        device = choose_device("cpu" if state["device"] == "cpu" else "auto")
        super().__setstate__(
            self._with_nets(state, lambda frozen: thaw(self._module, frozen, device=device))
        )

    @staticmethod
    def _with_nets(state, change):
        """Return a fitted estimator's attributes with each network changed."""
        if "nets_" not in state:
            return state
        return state | {"nets_": {name: change(net) for name, net in state["nets_"].items()}}

    def save(self, folder):
        """Save what fit learned in a folder of files that hold no code, JSON and safetensors.

        With the output format that `set_output` chose. `callbacks` are code, and are left out; so
        is a `random_state` that is not a number.

        Parameters
        ----------
        folder : str or path
            Made if need be; a model that is there is replaced.

        See Also
        --------
        sklidh.save_model : A whole pipeline in one file.
        """
        check_is_fitted(self)
        parameters = self.get_params(deep=False)
        state = {
            name: value
            for name, value in self.__getstate__().items()
            if name in parameters
            or (name.endswith("_") and not name.startswith("_"))
            or name == "_sklearn_output_config"
        }
        state["callbacks"] = None
        if not isinstance(self.random_state, Integral):
            state["random_state"] = None
        write_model(folder, type(self).__name__, state)

    @classmethod
    def load(cls, folder):
        """Return an estimator that `save` wrote; no code in the files is executed.

        On the same device its predictions are those of the saved one to the last bit.

        Parameters
        ----------
        folder : str or path

        Returns
        -------
        estimator

        Raises
        ------
        ModelFileError
            A file is absent, truncated, altered, or holds something else.
        """
        state = read_model(folder, cls.__name__)
        estimator = cls.__new__(cls)
        try:
            estimator.__setstate__(state)
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise ModelFileError(f"{folder}: not a saved {cls.__name__}: {error}") from error
        return estimator
