/* Vulkan: the loader and an instance.  No layer is loaded unless WEFT_VULKAN_VALIDATION names
 * checks; then every error of the validation layer fails the call in which it came up. */
#include "backends/vulkan/device_priv.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#define VALIDATION_LAYER "VK_LAYER_KHRONOS_validation"

static const char *
error_name(VkResult code)
{
    switch ((int)code) {
#define ERROR(name)                                                                                \
    case name:                                                                                     \
        return #name;
#include "backends/vulkan/vk_errors.def"
#undef ERROR
    default:
        return "an unknown result";
    }
}

weft_status
weft_vk_check(weft_diag *diag, VkResult code, const char *call, const char *object)
{
    if (code == VK_SUCCESS)
        return WEFT_OK;
    bool memory = code == VK_ERROR_OUT_OF_HOST_MEMORY || code == VK_ERROR_OUT_OF_DEVICE_MEMORY;
    bool lost = code == VK_ERROR_DEVICE_LOST;
    return weft_fail(diag,
                     lost     ? WEFT_LOST
                     : memory ? WEFT_OUT_OF_MEMORY
                              : WEFT_DEVICE,
                     "%s: %s (%d) at %s", call, error_name(code), (int)code, object);
}

static PFN_vkGetInstanceProcAddr
open_loader(weft_str *why)
{
    static const char *const names[] = { "libvulkan.so.1", "libvulkan.so", "libvulkan.1.dylib",
                                         "libMoltenVK.dylib" };
    PFN_vkGetInstanceProcAddr get = NULL;
    weft_str broken = { 0 };
    for (size_t i = 0; i < sizeof names / sizeof *names && !get; i++) {
        void *library = weft_library_open(names[i], &broken);
        if (library)
            *(void **)&get = dlsym(library, "vkGetInstanceProcAddr");
        if (library && !get && !broken.n)
            weft_str_addf(&broken, "%s lacks vkGetInstanceProcAddr", names[i]);
    }
    if (!get)
        weft_library_missing(why, "the Vulkan loader (libvulkan.so.1)", &broken);
    weft_str_free(&broken);
    return get;
}

/* ---- validation ------------------------------------------------------------------------------ */

/* What WEFT_VULKAN_VALIDATION may name, with commas: the layer's own checks, which every other word
 * implies, and what is switched on beside them. */
static const struct {
    const char *word;
    VkValidationFeatureEnableEXT enable[2];
    uint32_t n;
} checks[] = {
    { "0", { 0 }, 0 },
    { "1", { 0 }, 0 },
    { "core", { 0 }, 0 },
    { "gpu",
      { VK_VALIDATION_FEATURE_ENABLE_GPU_ASSISTED_EXT,
        VK_VALIDATION_FEATURE_ENABLE_GPU_ASSISTED_RESERVE_BINDING_SLOT_EXT },
      2 },
    { "sync", { VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT }, 1 },
};
enum { NCHECK = sizeof checks / sizeof *checks };

/* What to switch on. */
typedef struct validation {
    bool on;
    uint32_t n;
    VkValidationFeatureEnableEXT enable[2 * NCHECK];
} validation;

/* The row of a word of `length` bytes, or -1. */
static int
check_named(const char *word, size_t length)
{
    for (int i = 0; i < NCHECK; i++)
        if (strlen(checks[i].word) == length && !strncmp(word, checks[i].word, length))
            return i;
    return -1;
}

/* False if the variable holds a word that is no check. */
static bool
read_validation(validation *v)
{
    const char *word = getenv("WEFT_VULKAN_VALIDATION");
    bool named[NCHECK] = { false };
    *v = (validation){ 0 };
    for (size_t n; word && *word; word += n + (word[n] == ',')) {
        n = strcspn(word, ",");
        int row = check_named(word, n);
        if (row < 0)
            return false;
        v->on |= row > 0;
        named[row] = true;
    }
    for (int i = 0; i < NCHECK; i++)
        for (uint32_t k = 0; named[i] && k < checks[i].n; k++)
            v->enable[v->n++] = checks[i].enable[k];
    return true;
}

static VKAPI_ATTR VkBool32 VKAPI_CALL
on_message(VkDebugUtilsMessageSeverityFlagBitsEXT severity, VkDebugUtilsMessageTypeFlagsEXT type,
           const VkDebugUtilsMessengerCallbackDataEXT *data, void *user)
{
    (void)type;
    if (severity >= VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT)
        weft_fail(user, WEFT_DEVICE, "Vulkan validation: %s", data->pMessage);
    return VK_FALSE;
}

weft_status
weft_vk_complaints(weft_vk_device *d, weft_status status, weft_diag *diag)
{
    weft_diag *complaints = d->instance->complaints;
    if (!complaints || weft_diag_status(complaints) == WEFT_OK)
        return status;
    weft_fail(diag, WEFT_DEVICE, "%s", weft_diag_text(complaints));
    weft_diag_clear(complaints);
    return status ? status : WEFT_DEVICE;
}

static bool
has_layer(const weft_vk_instance *v)
{
    uint32_t n = 0;
    bool found = false;
    weft_arena arena = { 0 };
    v->EnumerateInstanceLayerProperties(&n, NULL);
    VkLayerProperties *layer = WEFT_NEW_ARRAY(&arena, n, VkLayerProperties);
    v->EnumerateInstanceLayerProperties(&n, layer);
    for (uint32_t i = 0; i < n; i++)
        found |= !strcmp(layer[i].layerName, VALIDATION_LAYER);
    weft_arena_reset(&arena);
    return found;
}

/* An extension of the loader and its drivers, or of a layer. */
static bool
has_extension(const weft_vk_instance *v, const char *layer, const char *name)
{
    uint32_t n = 0;
    bool found = false;
    weft_arena arena = { 0 };
    v->EnumerateInstanceExtensionProperties(layer, &n, NULL);
    VkExtensionProperties *extension = WEFT_NEW_ARRAY(&arena, n, VkExtensionProperties);
    v->EnumerateInstanceExtensionProperties(layer, &n, extension);
    for (uint32_t i = 0; i < n; i++)
        found |= !strcmp(extension[i].extensionName, name);
    weft_arena_reset(&arena);
    return found;
}

/* ---- the instance ---------------------------------------------------------------------------- */

/* VK_EXT_layer_settings, which Vulkan's headers have from 1.3.272 on. */
typedef struct layer_setting {
    const char *layer, *name;
    int type; /* 0: VkBool32 */
    uint32_t n;
    const void *values;
} layer_setting;
typedef struct layer_settings {
    VkStructureType type;
    const void *next;
    uint32_t n;
    const layer_setting *setting;
} layer_settings;

static VkResult
create_instance(weft_vk_instance *v, const validation *validate)
{
    /* Later layers look at what shaders access only where they are told to. */
    static const VkBool32 yes = VK_TRUE;
    static const layer_setting accesses = { VALIDATION_LAYER, "syncval_shader_accesses_heuristic",
                                            0, 1, &yes };
    const char *layers[] = { VALIDATION_LAYER }, *extensions[4];
    uint32_t n = 0;
    bool portability = has_extension(v, NULL, "VK_KHR_portability_enumeration");
    if (validate->on)
        extensions[n++] = VK_EXT_DEBUG_UTILS_EXTENSION_NAME;
    if (validate->n)
        extensions[n++] = VK_EXT_VALIDATION_FEATURES_EXTENSION_NAME; /* the layer's, not listed */
    bool settings = validate->n && has_extension(v, VALIDATION_LAYER, "VK_EXT_layer_settings");
    if (settings)
        extensions[n++] = "VK_EXT_layer_settings";
    if (portability)
        extensions[n++] = "VK_KHR_portability_enumeration";
    VkApplicationInfo app = { .sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
                              .pApplicationName = "weft",
                              .pEngineName = "weft",
                              .apiVersion = VK_MAKE_API_VERSION(0, 1, 3, 0) };
    layer_settings set = { .type = (VkStructureType)1000496000, /* ..._SETTINGS_CREATE_INFO_EXT */
                           .n = 1,
                           .setting = &accesses };
    VkValidationFeaturesEXT features = { .sType = VK_STRUCTURE_TYPE_VALIDATION_FEATURES_EXT,
                                         .pNext = settings ? &set : NULL,
                                         .enabledValidationFeatureCount = validate->n,
                                         .pEnabledValidationFeatures = validate->enable };
    VkDebugUtilsMessengerCreateInfoEXT messages = {
        .sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT,
        .pNext = validate->n ? &features : NULL,
        .messageSeverity = VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT,
        .messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_GENERAL_BIT_EXT |
                       VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT,
        .pfnUserCallback = on_message,
        .pUserData = v->complaints,
    };
    VkInstanceCreateInfo info = { .sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
                                  .flags =
                                      portability ? 1 : 0, /* ..._ENUMERATE_PORTABILITY_BIT_KHR */
                                  .pNext = validate->on ? &messages : NULL,
                                  .pApplicationInfo = &app,
                                  .enabledLayerCount = validate->on ? 1 : 0,
                                  .ppEnabledLayerNames = layers,
                                  .enabledExtensionCount = n,
                                  .ppEnabledExtensionNames = extensions };
    VkResult code = v->CreateInstance(&info, NULL, &v->handle);
    if (code || !validate->on)
        return code;
    messages.pNext = NULL;
    PFN_vkCreateDebugUtilsMessengerEXT create =
        (PFN_vkCreateDebugUtilsMessengerEXT)v->get(v->handle, "vkCreateDebugUtilsMessengerEXT");
    return create ? create(v->handle, &messages, NULL, &v->messenger)
                  : VK_ERROR_EXTENSION_NOT_PRESENT;
}

static const char *
find_globals(weft_vk_instance *v)
{
    const char *missing = NULL;
#define VK_GLOBAL(name)                                                                            \
    v->name = (PFN_vk##name)v->get(NULL, "vk" #name);                                              \
    missing = v->name ? missing : "vk" #name;
#define VK_INSTANCE(name)
#define VK_DEVICE(name)
#include "backends/vulkan/vk_functions.def"
#undef VK_GLOBAL
#undef VK_INSTANCE
#undef VK_DEVICE
    return missing;
}

static const char *
find_functions(weft_vk_instance *v)
{
    const char *missing = NULL;
#define VK_GLOBAL(name)
#define VK_INSTANCE(name)                                                                          \
    v->name = (PFN_vk##name)v->get(v->handle, "vk" #name);                                         \
    missing = v->name ? missing : "vk" #name;
#define VK_DEVICE(name)
#include "backends/vulkan/vk_functions.def"
#undef VK_GLOBAL
#undef VK_INSTANCE
#undef VK_DEVICE
    return missing;
}

/* NULL when the instance is ready, else what is wrong ("": why has it already); *code is what a
 * call returned. */
static const char *
prepare(weft_vk_instance *v, VkResult *code, weft_str *why)
{
    validation validate;
    if (!read_validation(&validate))
        return "WEFT_VULKAN_VALIDATION takes 0, or 1 or core, gpu, sync with commas between them";
    v->get = open_loader(why);
    if (!v->get)
        return "";
    if (find_globals(v))
        return "the Vulkan loader is incomplete";
    if (validate.on && !has_layer(v))
        return "WEFT_VULKAN_VALIDATION asks for " VALIDATION_LAYER ", which is not installed";
    if (validate.on)
        v->complaints = weft_diag_create();
    *code = create_instance(v, &validate);
    if (*code == VK_ERROR_INCOMPATIBLE_DRIVER)
        return "the Vulkan loader finds no driver: vkCreateInstance";
    if (*code != VK_SUCCESS)
        return "vkCreateInstance";
    return find_functions(v) ? "the Vulkan loader is older than Vulkan 1.1" : NULL;
}

weft_vk_instance *
weft_vk_instance_create(weft_str *why)
{
    weft_vk_instance *v = calloc(1, sizeof *v);
    VkResult code = VK_SUCCESS;
    const char *wrong = v ? prepare(v, &code, why) : "there is no memory for a handle";
    if (!wrong)
        return v;
    if (why)
        weft_str_add(why, wrong);
    if (why && code)
        weft_str_addf(why, ": %s (%d)", error_name(code), (int)code);
    weft_vk_instance_destroy(v);
    return NULL;
}

void
weft_vk_instance_destroy(weft_vk_instance *v)
{
    if (!v)
        return;
    if (v->messenger) {
        PFN_vkDestroyDebugUtilsMessengerEXT destroy = (PFN_vkDestroyDebugUtilsMessengerEXT)v->get(
            v->handle, "vkDestroyDebugUtilsMessengerEXT");
        destroy(v->handle, v->messenger, NULL);
    }
    if (v->handle && v->DestroyInstance)
        v->DestroyInstance(v->handle, NULL);
    weft_diag_destroy(v->complaints);
    free(v);
}

static bool
is_usable(const weft_vk_instance *v, VkPhysicalDevice p, VkPhysicalDeviceType *type)
{
    VkPhysicalDeviceProperties2 properties = { .sType =
                                                   VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2 };
    v->GetPhysicalDeviceProperties2(p, &properties);
    *type = properties.properties.deviceType;
    return properties.properties.apiVersion >= VK_API_VERSION_1_1 && weft_vk_family(v, p) >= 0;
}

int
weft_vk_list(const weft_vk_instance *v, weft_arena *arena, VkPhysicalDevice **out, weft_str *why)
{
    static const VkPhysicalDeviceType order[] = {
        VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU, VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU,
        VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU,  VK_PHYSICAL_DEVICE_TYPE_OTHER,
        VK_PHYSICAL_DEVICE_TYPE_CPU,
    };
    uint32_t n = 0;
    WEFT_VEC(VkPhysicalDevice) all = { 0 };
    VkResult code = v->EnumeratePhysicalDevices(v->handle, &n, NULL);
    VkPhysicalDevice *physical = WEFT_NEW_ARRAY(arena, n, VkPhysicalDevice);
    if (!code)
        code = v->EnumeratePhysicalDevices(v->handle, &n, physical);
    if (code && code != VK_INCOMPLETE) {
        if (why)
            weft_str_addf(why, "vkEnumeratePhysicalDevices: %s (%d)", error_name(code), (int)code);
        return 0;
    }
    for (size_t t = 0; t < sizeof order / sizeof *order; t++)
        for (uint32_t i = 0; i < n; i++) {
            VkPhysicalDeviceType type;
            if (is_usable(v, physical[i], &type) && type == order[t])
                *WEFT_PUSH(arena, &all) = physical[i];
        }
    if (!all.n && why)
        weft_str_add(why, "no Vulkan driver offers a device with Vulkan 1.1 and a compute queue");
    *out = all.at;
    return all.n;
}
